"""Listing, launching, changing and downloading uploads."""
