// The names of categories and actions; the hub's are shown as they are.

import { useCallback } from 'react';
import { useTexts } from '../../i18n/language';
import { actionNames, categoryNames } from './texts';

export const knownCategories = Object.keys(categoryNames);
export const knownActions = Object.keys(actionNames);

// Whether an action can have that category.
export function isOfCategory(action: string, category: string): boolean {
  if (category === '' || !knownCategories.includes(category) || !knownActions.includes(action)) return true;
  return (action.includes(':') ? 'batch' : action.split('.')[0]) === category;
}

export function useNames() {
  const categoryText = useTexts(categoryNames);
  const actionText = useTexts(actionNames);
  const category = useCallback(
    (name: string) => (name in categoryNames ? categoryText(name as keyof typeof categoryNames) : name), [categoryText]);
  const action = useCallback(
    (name: string) => (name in actionNames ? actionText(name as keyof typeof actionNames) : name), [actionText]);
  return { category, action };
}
