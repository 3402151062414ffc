// Export and import: the state of the database, and operations on all of it.

import { useCallback, useState } from 'react';
import { Page } from '../../components/page';
import { useTexts } from '../../i18n/language';
import { useLeaveWarning } from '../../lib/use_leave_warning';
import { BackupLine } from './backup_line';
import { ExportCard } from './export/export_card';
import { ImportCard } from './import/import_card';
import { KeptCard } from './kept_card';
import { RunningCard } from './running_card';
import { StatusCard } from './status_card';
import { texts } from './texts';

export default function DataPage() {
  const t = useTexts(texts);
  const [isExporting, setExporting] = useState(false);
  const [importing, setImporting] = useState<string[]>([]);
  const [isUndoing, setUndoing] = useState(false);
  const [undoneAt, setUndoneAt] = useState(0);
  const noteUndone = useCallback(() => setUndoneAt(Date.now()), []);
  useLeaveWarning(importing.includes('import') || isUndoing, t('leave')); // a download continues without the page
  const own = [...(isExporting ? ['export'] : []), ...importing, ...(isUndoing ? ['undo'] : [])];
  return (
    <Page title={t('title')}>
      <BackupLine />
      <StatusCard />
      <RunningCard own={own} />
      <KeptCard onBusy={setUndoing} onUndone={noteUndone} />
      <ExportCard onBusy={setExporting} />
      <ImportCard undoneAt={undoneAt} onBusy={setImporting} />
    </Page>
  );
}
