"""The routes around the window: media, uploads, downloads, logins, metrics."""
