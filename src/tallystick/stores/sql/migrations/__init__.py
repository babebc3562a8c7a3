"""Numbered steps of the schema; once released, a step never changes: its checksum is recorded in every database."""
