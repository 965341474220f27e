"""The connection of one editor: its session, its workspaces, and the engines that sessions share."""
