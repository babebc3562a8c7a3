"""Stores in SQL: one plain text for every engine, run by thin drivers."""
