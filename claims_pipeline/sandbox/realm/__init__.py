"""A realm to sign in at on a machine without Keycloak: for development, on loopback only.

It speaks the addresses of Keycloak's that this project uses, and its tokens are real ones, with a
key made when it starts. It knows no secrets: whoever reaches it can be anybody.
"""
