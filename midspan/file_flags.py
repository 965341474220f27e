"""The flags with which Midspan opens files of its own."""

import os
import sys

if sys.platform == "win32":
    # Bytes stay as they are. To make a link takes a right that users do not have there.
    OWN_FILE = os.O_BINARY
else:
    # A link that somebody else has put there is not followed.
    OWN_FILE = os.O_NOFOLLOW
