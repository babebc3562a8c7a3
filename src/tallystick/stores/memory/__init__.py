"""The store in memory: the readable reference of the contract. It lives as long as its process."""
