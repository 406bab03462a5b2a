"""Who calls, what they may reach, how often, and the audit log of what they did."""
