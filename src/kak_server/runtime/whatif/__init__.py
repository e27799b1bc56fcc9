"""What if the rules had been others: journalled days taken apart into what people and callers did, and played again."""
