"""Salesforce's Pub/Sub API as gRPC messages and stubs; used by the connector and by the sandbox."""
