"""An interface engine: takes HL7 messages with the PyPI package hl7 and acknowledges each.

Arguments: address, port. Says the control id of each message that it took.
"""

import asyncio
import sys

import hl7.mllp


async def take(reader, writer):
    while not writer.is_closing():
        try:
            message = await reader.readmessage()
        except asyncio.IncompleteReadError:
            break
        print("took", message.segment("MSH")[10], flush=True)
        writer.writemessage(message.create_ack("AA", application="INVENGINE"))
        await writer.drain()
    writer.close()


async def main():
    async with await hl7.mllp.start_hl7_server(take, sys.argv[1], int(sys.argv[2])) as server:
        await server.serve_forever()


asyncio.run(main())
