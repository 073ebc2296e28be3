"""Taking images and labels in: looked at first, then created, filled, merged or cloned."""
