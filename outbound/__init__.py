"""What leaves: marks, composing, replies, notices, channels and the courier."""
