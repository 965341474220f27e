"""The suite `typing`: lines of repositories are typed in an editor, and what is shown at each pause is judged."""
