"""Start the parts of the gateway, each in a process of its own, and keep them alive."""
