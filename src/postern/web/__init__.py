"""The console and the API: reads stores, writes through operations, opens sealed things through `operations.look`."""
