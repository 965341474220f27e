"""The files of a workspace, and the places in them of a name that was renamed in another one."""
