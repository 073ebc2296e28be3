"""The workspace on disk: folders, database, image files, arrays, archives, trash."""
