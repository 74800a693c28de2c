"""What every part uses: errors with one line, files that appear whole, optional packages."""
