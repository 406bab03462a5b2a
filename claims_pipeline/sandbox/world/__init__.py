"""The sandbox's world: practices, people, claims."""
