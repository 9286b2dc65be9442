"""Uses a program's tools with the Model Context Protocol's reference client.

mcp_client.py FOLDER PROGRAM ARGUMENT…
"""

import asyncio
import base64
import os
import sys
from importlib.metadata import version

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

folder, program, *arguments = sys.argv[1:]


async def main():
    async with stdio_client(StdioServerParameters(command=program, args=arguments, cwd=folder)) as (read, write):
        async with ClientSession(read, write) as session:
            greeting = await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            assert tools == {"speak", "list_voices"}, tools
            voices = await session.call_tool("list_voices", {})
            assert "default" in voices.content[0].text, voices
            steps = []

            async def progress(done, total, message):
                steps.append(done)

            spoken = await session.call_tool("speak", {"text": "The ship was late.", "format": "wav"}, progress_callback=progress)
            sound = base64.b64decode(spoken.content[1].data)
            assert sound[:4] == b"RIFF" and len(sound) > 24_000 and steps and steps == sorted(steps), (spoken.content[0], steps)
            written = await session.call_tool("speak", {"text": "The ship was late.", "save_path": "ship.flac", "seed": 7})
            with open(os.path.join(folder, "ship.flac"), "rb") as file:
                assert file.read(4) == b"fLaC", written
            for wrong in [{"text": ""}, {"text": "Hi.", "voice": "nobody"}, {"text": "Hi.", "save_path": "../ship.wav"}, {"text": "Hi.", "save_path": "ship.flac"}]:
                assert (await session.call_tool("speak", wrong)).is_error, wrong
    print(f"mcp {version('mcp')}: protocol {greeting.protocol_version}, speak into {len(sound)} bytes and a file, list_voices, {len(steps)} steps told, errors")


asyncio.run(main())
