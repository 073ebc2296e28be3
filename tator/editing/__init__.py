"""Edits of an image: checked, applied, journalled, undone; who has it open."""
