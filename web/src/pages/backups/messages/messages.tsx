// Who hears of a failure: the channels, and what was told over them.

import { Flex } from 'antd';
import { ErrorNotice, Loading } from '../../../components/page';
import { ChannelList } from './channel_list';
import { MessageList } from './message_list';
import { useChannels } from './queries';

export function Messages() {
  const found = useChannels();
  if (found.isError) return <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  return (
    <Flex vertical gap="middle">
      <ChannelList channels={found.data.channels} hubTargets={found.data.hubTargets} />
      {found.data.channels.length > 0 && <MessageList />}
    </Flex>
  );
}
