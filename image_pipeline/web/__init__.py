"""The search page and the API below it: routes over the services, behind a door."""
