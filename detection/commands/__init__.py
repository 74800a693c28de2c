"""The commands of `keras-vid detect`: one file each."""
