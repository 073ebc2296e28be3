"""The workflows, one package each; a workflow sees another only through its `__init__`."""
