"""What `midspan doctor` looks at, one file each."""
