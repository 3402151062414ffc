// A table whose rows can also be scrolled with the keyboard.

import { Table, type TableProps } from 'antd';
import { useEffect, useRef } from 'react';

export function DataTable<Row extends object>({ label, ...props }: TableProps<Row> & { label: string }) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    for (const part of frame.current?.querySelectorAll<HTMLElement>('.ant-table-content, .ant-table-body, .ant-table-tbody-virtual') ?? []) {
      part.tabIndex = 0;
      part.setAttribute('role', 'region');
      part.setAttribute('aria-label', label);
    }
  });
  return <div ref={frame} className="numbers"><Table<Row> {...props} /></div>;
}
