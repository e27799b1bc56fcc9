"""What people look up later: calls, the media ledger, the audit log. Never on a call's path."""
