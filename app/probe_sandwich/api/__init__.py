"""HTTP: routes, problems, admission and events. Nothing below this package knows of it."""
