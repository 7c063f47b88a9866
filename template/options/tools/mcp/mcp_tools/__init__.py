"""The to-do list as a server of the Model Context Protocol (MCP), and the connection to it."""
