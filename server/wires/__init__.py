"""Addresses that speak what clients of other systems speak, over our sessions."""
