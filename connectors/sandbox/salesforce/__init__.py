"""A fake Salesforce: OAuth, the REST API with SOQL, collections and composite, over orgs that behave."""
