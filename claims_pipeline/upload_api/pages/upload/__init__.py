"""The pages of one upload: progress, results, worklist, changes."""
