"""The routes around the window: media, uploads, downloads, logins, health, metrics."""
