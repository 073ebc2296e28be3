"""The parts that tabs are made of: the shell, job panels, forms, galleries, words."""
