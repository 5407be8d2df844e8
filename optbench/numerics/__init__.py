"""For plugin authors: line searches, descent along directions, trust regions. Importing it imports no torch."""
