"""What is remembered: one file a noun, its tables and the verbs that change them."""
