"""What goes into a prompt: documents, snapshots, ranking and packing.

A leaf: it imports `midspan` only, knows no LSP type and no torch, and counts tokens with a
function that it is given. Offsets and columns are code points, lines count from 0.
"""
