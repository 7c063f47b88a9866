"""Converts a thread's items to what the model reads."""

import json

from agents import TResponseInputItem
from chatkit.agents import ThreadItemConverter
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    HiddenContextItem,
    ImageAttachment,
    UserMessageTagContent,
)
from openai.types.responses import (
    EasyInputMessageParam,
    ResponseInputContentParam,
    ResponseInputImageParam,
    ResponseInputTextParam,
)


class ItemConverter(ThreadItemConverter):
    """Converts items that the SDK's own converter rejects."""

    async def assistant_message_to_input(
        self, item: AssistantMessageItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """Return an earlier answer as plain text, which every model takes."""
        text = "".join(part.text for part in item.content)
        return EasyInputMessageParam(type="message", role="assistant", content=text)

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputContentParam:
        """Describe an @-mention with the data that the page attached to it."""
        text = f"{tag.text} is {json.dumps({'id': tag.id, 'group': tag.group, **tag.data})}"
        return ResponseInputTextParam(type="input_text", text=text)

    async def attachment_to_message_content(
        self, attachment: Attachment
    ) -> ResponseInputContentParam:
        """Show the model an image; of another file, it learns the name."""
        if isinstance(attachment, ImageAttachment):
            address = str(attachment.preview_url)
            return ResponseInputImageParam(type="input_image", detail="auto", image_url=address)
        text = f"The user has attached the file {attachment.name} ({attachment.mime_type})."
        return ResponseInputTextParam(type="input_text", text=text)

    async def hidden_context_to_input(
        self, item: HiddenContextItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """Pass on hidden context of any type; what is not text becomes JSON."""
        content = item.content if isinstance(item.content, str) else json.dumps(item.content)
        return await super().hidden_context_to_input(item.model_copy(update={"content": content}))
