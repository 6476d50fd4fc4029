"""The console and the API: reads stores, writes through operations, opens what is sealed through `look`."""
