"""Take images and labels in: looked at first, then created, merged or cloned."""
