"""The commands of training: one file each."""
