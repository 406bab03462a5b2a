"""The pages "Work", one followed claim, "Changes" and "Denials"."""
