"""What is wrong with one's data, told before anything is trained on it."""
