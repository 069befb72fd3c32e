"""Devices, what is exchanged between replicas, and what is refused on several of them."""
