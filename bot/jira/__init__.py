"""The Jira adapter: an onboarding's own issue as a surface, and the ticket to the Data Base team."""
