"""From accepted mail to tickets: every recipient of every mail gets a fate, and the reason is kept."""
