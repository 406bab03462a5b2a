"""What those who run an installation need: alerts, retention, doctor."""
