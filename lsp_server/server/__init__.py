"""One connection of an editor: its session, its workspaces, and the engines that sessions share."""
