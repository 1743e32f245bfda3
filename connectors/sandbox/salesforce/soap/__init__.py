"""The SOAP calls that REST has no resource for: login, convertLead, merge, delete, undelete, emptyRecycleBin."""
