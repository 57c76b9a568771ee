"""What MiniStack's services hold, kept on disk."""
